from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0003_requests_have_their_clocks'),
    ]

    operations = [
        migrations.AlterField(
            model_name='escrowrefundrequest',
            name='decide_by',
            field=models.DateTimeField(),
        ),
        migrations.RemoveField(
            model_name='escrowrefundrequest',
            name='declined_because',
        ),
        migrations.AddConstraint(
            model_name='escrowrefundrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ('accepted', 'lapsed', 'withdrawn', 'conceded', 'conceded_by_silence', 'agreed', 'decided')), ('resolved_at__isnull', False)), models.Q(models.Q(('state__in', ('accepted', 'lapsed', 'withdrawn', 'conceded', 'conceded_by_silence', 'agreed', 'decided')), _negated=True), models.Q(('resolved_at__isnull', False), _negated=True)), _connector='OR'), name='request_resolved_at_set_exactly_when_closed'),
        ),
        migrations.AddConstraint(
            model_name='escrowrefundrequest',
            constraint=models.CheckConstraint(condition=models.Q(('answer_by__isnull', False), models.Q(('reminder_due_at__isnull', False), _negated=True), _connector='OR'), name='request_reminds_only_while_an_answer_is_due'),
        ),
        migrations.AddConstraint(
            model_name='escrowrefundrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('state__in', ('pending', 'disputed')), ('time_left__isnull', True), ('answer_by__isnull', False)), models.Q(models.Q(('state__in', ('pending', 'disputed')), ('time_left__isnull', True), _negated=True), models.Q(('answer_by__isnull', False), _negated=True)), _connector='OR'), models.Q(('state', 'pending'), models.Q(('time_left__isnull', False), _negated=True), _connector='OR')), name='request_answer_due_exactly_while_its_clock_runs'),
        ),
        migrations.AddConstraint(
            model_name='escrowrefundrequest',
            constraint=models.CheckConstraint(condition=models.Q(('state', 'decided'), ('decided_because', ''), _connector='OR'), name='request_reason_only_when_decided'),
        ),
    ]
