"""The sandbox remembers calls of every kind, not only charges."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("payments", "0005_the_operator_may_pay")]

    operations = [migrations.RenameModel("SandboxCharge", "SandboxCall")]
