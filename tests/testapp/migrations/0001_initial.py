# The tables of the test site.

import django.db.models.deletion
from django.db import migrations, models

import image_studio.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("image_studio", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("poster", image_studio.fields.AssetForeignKey(blank=True, null=True, related_name="events")),
            ],
        ),
        migrations.CreateModel(
            name="Article",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=100)),
                ("card", image_studio.fields.AssetForeignKey(blank=True, brand="acme", channel="square", null=True)),
                ("picture", image_studio.fields.AssetForeignKey(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Concert",
            fields=[
                (
                    "event_ptr",
                    models.OneToOneField(
                        auto_created=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        serialize=False,
                        to="testapp.event",
                    ),
                ),
                ("hall", models.CharField(max_length=100)),
            ],
            bases=("testapp.event",),
        ),
        migrations.CreateModel(
            name="Slide",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "article",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="slides", to="testapp.article"
                    ),
                ),
                ("picture", image_studio.fields.AssetForeignKey()),
            ],
        ),
    ]
