import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('contracts', '0001_initial'),
        ('marketplace', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Feedback',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('side', models.CharField(choices=[('client', 'Client'), ('talent', 'Talent')], max_length=8, verbose_name='given by')),
                ('stars', models.PositiveSmallIntegerField()),
                ('text', models.TextField(blank=True, verbose_name='public feedback')),
                ('private_note', models.TextField(blank=True)),
                ('would_work_again', models.BooleanField(blank=True, null=True)),
                ('given_at', models.DateTimeField()),
                ('edited_at', models.DateTimeField(blank=True, null=True)),
                ('visible_from', models.DateTimeField()),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='marketplace.membership')),
                ('contract', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='feedback', to='contracts.contract')),
            ],
            options={
                'verbose_name_plural': 'feedback',
                'permissions': [('extend_window', 'Can extend the time for feedback')],
                'constraints': [models.UniqueConstraint(fields=('contract', 'side'), name='feedback_once_per_contract_and_side'), models.CheckConstraint(condition=models.Q(('stars__gte', 1), ('stars__lte', 5)), name='feedback_one_to_five_stars'), models.CheckConstraint(condition=models.Q(('visible_from__gte', models.F('given_at'))), name='feedback_visible_once_given')],
            },
        ),
    ]
