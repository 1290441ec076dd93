"""What support may do about hours that stay owed, each by its own permission."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("contracts", "0003_running_contracts_are_reminded"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="week",
            options={
                "ordering": ["starts_on"],
                "permissions": [
                    ("write_off_week", "Can write off hours that stay owed"),
                    ("settle_week", "Can propose that the operator pays hours that stay owed"),
                ],
            },
        ),
    ]
