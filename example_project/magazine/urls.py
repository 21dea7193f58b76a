"""The magazine's addresses."""

from django.urls import path

from magazine import views

app_name = "magazine"
urlpatterns = [
    path("", views.home, name="home"),
    path("<slug:slug>/", views.article, name="article"),
]
