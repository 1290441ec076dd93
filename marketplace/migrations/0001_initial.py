import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='SweepRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60, unique=True)),
                ('at', models.DateTimeField()),
                ('done', models.PositiveIntegerField(default=0)),
                ('failed', models.PositiveIntegerField(default=0)),
            ],
            options={
                'ordering': ['name'],
                'permissions': [('run_audit', 'Can run the audit of the books')],
            },
        ),
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('email', models.EmailField(max_length=254, unique=True, verbose_name='e-mail')),
                ('name', models.CharField(max_length=120)),
                ('time_zone', models.CharField(blank=True, max_length=64)),
                ('signed_up_as', models.CharField(blank=True, choices=[('client', 'Client'), ('freelancer', 'Freelancer'), ('agency', 'Agency')], max_length=12)),
                ('is_active', models.BooleanField(default=True)),
                ('is_staff', models.BooleanField(default=False, verbose_name='support staff')),
                ('date_joined', models.DateTimeField(blank=True, null=True)),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'verbose_name': 'user',
                'constraints': [models.CheckConstraint(condition=models.Q(('email', django.db.models.functions.text.Lower('email'))), name='user_email_is_lower_case')],
            },
        ),
        migrations.CreateModel(
            name='ArticleVote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('article', models.SlugField(max_length=60)),
                ('reader', models.CharField(max_length=64)),
                ('helpful', models.BooleanField()),
                ('at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('article', 'reader'), name='one_vote_per_article_and_reader')],
            },
        ),
        migrations.CreateModel(
            name='DemoClock',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('offset', models.DurationField()),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='one_demo_clock')],
            },
        ),
        migrations.CreateModel(
            name='FormKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64, unique=True)),
                ('input_hash', models.CharField(max_length=64)),
                ('result', models.CharField(blank=True, max_length=64)),
                ('at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['at'], name='form_key_age')],
            },
        ),
        migrations.CreateModel(
            name='Party',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('client', 'Client'), ('freelancer', 'Freelancer'), ('agency', 'Agency')], max_length=12)),
                ('name', models.CharField(max_length=120)),
                ('slug', models.CharField(max_length=32, unique=True)),
                ('invited_email', models.EmailField(blank=True, max_length=254)),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'verbose_name_plural': 'parties',
                'indexes': [models.Index(django.db.models.functions.text.Lower('name'), name='party_name')],
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('invited_email'), condition=models.Q(('invited_email', ''), _negated=True), name='one_invited_party_per_address')],
            },
        ),
        migrations.CreateModel(
            name='Case',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reference', models.CharField(max_length=16, unique=True)),
                ('subject', models.CharField(max_length=120)),
                ('email', models.EmailField(db_index=True, max_length=254)),
                ('contract_reference', models.CharField(blank=True, db_index=True, max_length=16)),
                ('state', models.CharField(choices=[('open', 'Open'), ('answered', 'Answered'), ('closed', 'Closed')], default='open', max_length=12)),
                ('opened_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('assigned_to', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='assigned_cases', to=settings.AUTH_USER_MODEL)),
                ('opened_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to=settings.AUTH_USER_MODEL)),
                ('party', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='marketplace.party')),
            ],
            options={
                'ordering': ['-opened_at', '-id'],
                'permissions': [('answer_case', 'Can answer a case'), ('assign_case', 'Can take on a case'), ('close_case', 'Can close a case')],
                'indexes': [models.Index(fields=['state', 'opened_at'], name='case_by_state')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('state', 'closed'), ('closed_at__isnull', False)), models.Q(models.Q(('state', 'closed'), _negated=True), models.Q(('closed_at__isnull', False), _negated=True)), _connector='OR'), name='case_closed_at_set_exactly_when_closed')],
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('owner', 'Owner'), ('manager', 'Manager'), ('member', 'Member')], max_length=12)),
                ('joined_at', models.DateTimeField()),
                ('left_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to=settings.AUTH_USER_MODEL)),
                ('party', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='marketplace.party')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('left_at', None)), fields=('user', 'party'), name='one_current_membership_per_person_and_party'), models.CheckConstraint(condition=models.Q(('left_at', None), ('left_at__gte', models.F('joined_at')), _connector='OR'), name='membership_ends_after_it_began')],
            },
        ),
        migrations.CreateModel(
            name='CaseMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('actor_kind', models.CharField(choices=[('member', 'Member'), ('staff', 'Support'), ('platform', 'Closeout')], max_length=10)),
                ('text', models.TextField()),
                ('at', models.DateTimeField()),
                ('actor_staff', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='marketplace.case')),
                ('actor_membership', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='marketplace.membership')),
            ],
            options={
                'ordering': ['at', 'id'],
                'abstract': False,
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('actor_kind', 'member'), ('actor_membership__isnull', False), ('actor_staff__isnull', True)), models.Q(('actor_kind', 'staff'), ('actor_membership__isnull', True), ('actor_staff__isnull', False)), models.Q(('actor_kind', 'platform'), ('actor_membership__isnull', True), ('actor_staff__isnull', True)), _connector='OR'), name='marketplace_casemessage_actor')],
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=60)),
                ('address', models.EmailField(blank=True, max_length=254)),
                ('facts', models.JSONField()),
                ('path', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField()),
                ('read_at', models.DateTimeField(blank=True, null=True)),
                ('email_due_at', models.DateTimeField(blank=True, null=True)),
                ('email_sent_at', models.DateTimeField(blank=True, null=True)),
                ('email_attempts', models.PositiveSmallIntegerField(default=0)),
                ('leased_until', models.DateTimeField(blank=True, null=True)),
                ('recipient', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='notices', to=settings.AUTH_USER_MODEL)),
                ('party', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='notices', to='marketplace.party')),
            ],
            options={
                'indexes': [models.Index(fields=['recipient', 'party', '-id'], name='notice_inbox'), models.Index(condition=models.Q(('read_at', None)), fields=['recipient', 'party'], name='notice_unread'), models.Index(condition=models.Q(('email_due_at', None), _negated=True), fields=['email_due_at'], name='notice_due')],
                'constraints': [models.CheckConstraint(condition=models.Q(('email_sent_at', None), ('email_due_at', None), _connector='OR'), name='notice_sent_is_not_due'), models.CheckConstraint(condition=models.Q(models.Q(('address', ''), ('party__isnull', False), ('recipient__isnull', False)), models.Q(('recipient', None), models.Q(('address', ''), _negated=True)), _connector='OR'), name='notice_to_a_person_or_an_address')],
            },
        ),
    ]
