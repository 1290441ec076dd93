import django.db.models.deletion
import django.db.models.functions.text
import django_fsm
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('marketplace', '0001_initial'),
        ('marketplace', '__first__'),
        ('payments', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Contract',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reference', models.CharField(max_length=16, unique=True)),
                ('kind', models.CharField(choices=[('fixed', 'Fixed price')], max_length=8)),
                ('title', models.CharField(max_length=120)),
                ('description', models.TextField(blank=True)),
                ('currency', models.CharField(max_length=3)),
                ('state', django_fsm.FSMField(choices=[('offered', 'Offered'), ('active', 'Active'), ('ended', 'Ended'), ('declined', 'Declined'), ('withdrawn', 'Withdrawn'), ('expired', 'Expired')], default='offered', max_length=12, protected=True)),
                ('version', models.PositiveIntegerField(default=0)),
                ('offered_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('answered_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('ended_side', models.CharField(blank=True, choices=[('client', 'Client'), ('talent', 'Talent')], max_length=8)),
                ('end_reason', models.CharField(blank=True, choices=[('completed', 'Work completed'), ('not_needed', 'No longer needed'), ('unresponsive', 'Other side unresponsive'), ('no_agreement', 'Could not agree'), ('elsewhere', 'Hired someone else, or took other work'), ('other', 'Other')], max_length=16)),
                ('end_note', models.TextField(blank=True)),
                ('end_figures', models.JSONField(blank=True, null=True)),
                ('feedback_until', models.DateTimeField(blank=True, null=True)),
                ('feedback_extended', models.BooleanField(default=False)),
                ('feedback_due_at', models.DateTimeField(blank=True, null=True)),
                ('asks_to_end_since', models.DateTimeField(blank=True, null=True)),
                ('last_activity_at', models.DateTimeField()),
                ('client_position', models.BigIntegerField()),
                ('talent_position', models.BigIntegerField()),
                ('book', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='contract', to='payments.book')),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='client_contracts', to='marketplace.party')),
                ('follows', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='followed_by', to='contracts.contract')),
                ('talent', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='talent_contracts', to='marketplace.party')),
            ],
            options={
                'permissions': [('end_contract', 'Can end a contract for a side')],
                'indexes': [models.Index(fields=['client', 'state', 'client_position', 'id'], name='contract_client_tab'), models.Index(fields=['talent', 'state', 'talent_position', 'id'], name='contract_talent_tab'), models.Index(fields=['client', 'client_position', 'id'], name='contract_client_all'), models.Index(fields=['talent', 'talent_position', 'id'], name='contract_talent_all'), models.Index(condition=models.Q(('state', 'offered')), fields=['expires_at'], name='contract_expires'), models.Index(condition=models.Q(('feedback_due_at', None), _negated=True), fields=['feedback_due_at'], name='contract_feedback_due'), models.Index(fields=['state', '-id'], name='contract_by_state'), models.Index(django.db.models.functions.text.Lower('title'), name='contract_title')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('state', 'offered'), ('answered_at__isnull', True)), models.Q(models.Q(('state', 'offered'), _negated=True), models.Q(('answered_at__isnull', True), _negated=True)), _connector='OR'), name='contract_answered_at_set_exactly_once_answered'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'ended'), ('ended_at__isnull', False)), models.Q(models.Q(('state', 'ended'), _negated=True), models.Q(('ended_at__isnull', False), _negated=True)), _connector='OR'), name='contract_ended_at_set_exactly_when_ended'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', False), ('end_figures__isnull', False), ('ended_side__in', ['client', 'talent']), ('feedback_until__isnull', False)), models.Q(models.Q(('ended_at__isnull', False), _negated=True), models.Q(('end_figures__isnull', False), ('ended_side__in', ['client', 'talent']), ('feedback_until__isnull', False), _negated=True)), _connector='OR'), name='contract_end_facts_set_together'), models.CheckConstraint(condition=models.Q(('ended_at__isnull', False), models.Q(('feedback_due_at__isnull', False), _negated=True), _connector='OR'), name='contract_tells_of_feedback_only_when_ended'), models.CheckConstraint(condition=models.Q(('asks_to_end_since', None), ('state', 'active'), _connector='OR'), name='contract_asks_to_end_only_while_active'), models.CheckConstraint(condition=models.Q(('client', models.F('talent')), _negated=True), name='contract_between_two_parties')],
            },
            bases=(django_fsm.ConcurrentTransitionMixin, models.Model),
        ),
        migrations.CreateModel(
            name='ChecklistItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('side', models.CharField(choices=[('client', 'Client'), ('talent', 'Talent')], max_length=8)),
                ('code', models.CharField(choices=[('access', 'Passwords and access'), ('deliverables', 'Work, materials and equipment'), ('property', 'Client property'), ('feedback', 'Feedback')], max_length=16)),
                ('state', models.CharField(choices=[('open', 'Open'), ('ticked', 'Done'), ('skipped', 'Skipped')], default='open', max_length=8)),
                ('done_at', models.DateTimeField(blank=True, null=True)),
                ('reminder_sent_at', models.DateTimeField(blank=True, null=True)),
                ('reminded_at', models.DateTimeField(blank=True, null=True)),
                ('done_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='marketplace.membership')),
                ('contract', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='checklist', to='contracts.contract')),
            ],
            options={
                'ordering': ['id'],
                'constraints': [models.UniqueConstraint(fields=('contract', 'side', 'code'), name='checklist_one_item_per_side_and_code'), models.CheckConstraint(condition=models.Q(models.Q(models.Q(('state', 'open'), _negated=True), ('done_at__isnull', False)), models.Q(('state', 'open'), models.Q(('done_at__isnull', False), _negated=True)), _connector='OR'), name='checklist_done_at_set_exactly_when_not_open')],
            },
        ),
        migrations.CreateModel(
            name='Assignment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField(blank=True, null=True)),
                ('membership', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='assignments', to='marketplace.membership')),
                ('contract', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='assignments', to='contracts.contract')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('until', None)), fields=('contract', 'membership'), name='one_current_assignment_per_contract_and_person')],
            },
        ),
        migrations.CreateModel(
            name='ContractHistory',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('actor_kind', models.CharField(choices=[('member', 'Member'), ('staff', 'Support'), ('platform', 'Closeout')], max_length=10)),
                ('sequence', models.PositiveIntegerField()),
                ('row_label', models.CharField(max_length=30)),
                ('row_id', models.BigIntegerField()),
                ('transition', models.CharField(max_length=40)),
                ('source', models.CharField(blank=True, max_length=24)),
                ('target', models.CharField(max_length=24)),
                ('reason', models.TextField(blank=True)),
                ('at', models.DateTimeField()),
                ('actor_membership', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='marketplace.membership')),
                ('actor_staff', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('contract', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='history', to='contracts.contract')),
            ],
            options={
                'ordering': ['sequence'],
                'abstract': False,
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('actor_kind', 'member'), ('actor_membership__isnull', False), ('actor_staff__isnull', True)), models.Q(('actor_kind', 'staff'), ('actor_membership__isnull', True), ('actor_staff__isnull', False)), models.Q(('actor_kind', 'platform'), ('actor_membership__isnull', True), ('actor_staff__isnull', True)), _connector='OR'), name='contracts_contracthistory_actor'), models.UniqueConstraint(fields=('contract', 'sequence'), name='contract_history_one_row_per_version')],
            },
        ),
        migrations.CreateModel(
            name='Message',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField()),
                ('at', models.DateTimeField()),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='marketplace.membership')),
                ('contract', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='contracts.contract')),
            ],
            options={
                'ordering': ['at', 'id'],
                'indexes': [models.Index(fields=['contract', '-id'], name='message_of_contract')],
            },
        ),
        migrations.CreateModel(
            name='Milestone',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField()),
                ('title', models.CharField(max_length=120, verbose_name='description')),
                ('currency', models.CharField(max_length=3)),
                ('amount_minor', models.BigIntegerField()),
                ('due_on', models.DateField(blank=True, null=True)),
                ('state', django_fsm.FSMField(choices=[('proposed', 'Proposed'), ('planned', 'Not funded'), ('funded', 'Funded'), ('submitted', 'Submitted'), ('changes_requested', 'Changes requested'), ('paid', 'Paid'), ('declined', 'Declined'), ('cancelled', 'Cancelled')], default='planned', max_length=20, protected=True)),
                ('created_at', models.DateTimeField()),
                ('funded_at', models.DateTimeField(blank=True, null=True)),
                ('submitted_at', models.DateTimeField(blank=True, null=True)),
                ('review_until', models.DateTimeField(blank=True, null=True)),
                ('extended_because', models.TextField(blank=True)),
                ('changes_wanted', models.TextField(blank=True)),
                ('reminder_due_at', models.DateTimeField(blank=True, null=True)),
                ('reminders_sent', models.PositiveSmallIntegerField(default=0)),
                ('paid_at', models.DateTimeField(blank=True, null=True)),
                ('paid_minor', models.BigIntegerField(blank=True, null=True)),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('contract', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='milestones', to='contracts.contract')),
                ('payment', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='milestone', to='payments.payment')),
            ],
            options={
                'ordering': ['number'],
                'indexes': [models.Index(condition=models.Q(('review_until', None), _negated=True), fields=['review_until'], name='milestone_release_due'), models.Index(condition=models.Q(('reminder_due_at', None), _negated=True), fields=['reminder_due_at'], name='milestone_reminder_due')],
                'constraints': [models.UniqueConstraint(fields=('contract', 'number'), name='milestone_number_once_per_contract'), models.UniqueConstraint(condition=models.Q(('state__in', ('funded', 'submitted', 'changes_requested'))), fields=('contract',), name='one_active_milestone_per_contract'), models.CheckConstraint(condition=models.Q(('amount_minor__gt', 0)), name='milestone_above_zero'), models.CheckConstraint(condition=models.Q(models.Q(('state__in', ('funded', 'submitted', 'changes_requested', 'paid')), ('funded_at__isnull', False)), models.Q(models.Q(('state__in', ('funded', 'submitted', 'changes_requested', 'paid')), _negated=True), models.Q(('funded_at__isnull', False), _negated=True)), ('state', 'cancelled'), _connector='OR'), name='milestone_funded_at_set_exactly_once_funded'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'submitted'), ('review_until__isnull', False)), models.Q(models.Q(('state', 'submitted'), _negated=True), models.Q(('review_until__isnull', False), _negated=True)), _connector='OR'), name='milestone_review_runs_exactly_while_submitted'), models.CheckConstraint(condition=models.Q(('state', 'submitted'), models.Q(('reminder_due_at__isnull', False), _negated=True), _connector='OR'), name='milestone_reminds_only_while_submitted'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'paid'), ('paid_at__isnull', False)), models.Q(models.Q(('state', 'paid'), _negated=True), models.Q(('paid_at__isnull', False), _negated=True)), _connector='OR'), name='milestone_paid_at_set_exactly_when_paid'), models.CheckConstraint(condition=models.Q(models.Q(('paid_at__isnull', False), ('paid_minor__isnull', False)), models.Q(models.Q(('paid_at__isnull', False), _negated=True), models.Q(('paid_minor__isnull', False), _negated=True)), _connector='OR'), name='milestone_paid_amount_set_with_paid_at'), models.CheckConstraint(condition=models.Q(models.Q(('paid_at__isnull', False), ('payment__isnull', False)), models.Q(models.Q(('paid_at__isnull', False), _negated=True), models.Q(('payment__isnull', False), _negated=True)), _connector='OR'), name='milestone_payment_set_with_paid_at'), models.CheckConstraint(condition=models.Q(('paid_minor', None), models.Q(('paid_minor__gt', 0), ('paid_minor__lte', models.F('amount_minor'))), _connector='OR'), name='milestone_paid_at_most_amount'), models.CheckConstraint(condition=models.Q(models.Q(('state__in', ('declined', 'cancelled')), ('closed_at__isnull', False)), models.Q(models.Q(('state__in', ('declined', 'cancelled')), _negated=True), models.Q(('closed_at__isnull', False), _negated=True)), _connector='OR'), name='milestone_closed_at_set_exactly_when_closed')],
            },
            bases=(django_fsm.ConcurrentTransitionMixin, models.Model),
        ),
        migrations.CreateModel(
            name='Submission',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('message', models.TextField()),
                ('links', models.JSONField(default=list)),
                ('at', models.DateTimeField()),
                ('taken_back_at', models.DateTimeField(blank=True, null=True)),
                ('membership', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='marketplace.membership')),
                ('milestone', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='submissions', to='contracts.milestone')),
            ],
            options={
                'ordering': ['at', 'id'],
            },
        ),
    ]
