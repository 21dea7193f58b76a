"""The addresses of money: what is in doubt, what may be spent, what was, and what stops it; and those of health."""

from __future__ import annotations

from django.db.transaction import non_atomic_requests
from django.urls import path

from image_studio.api import budgets, health, spending, unknowns, usage

JOB = "jobs/<uuid:job_id>/"

urlpatterns = [
    path(f"{JOB}adopt/", unknowns.JobAdopt.as_view(), name="job-adopt"),
    path(f"{JOB}resend/", unknowns.JobResend.as_view(), name="job-resend"),
    path(f"{JOB}write-off/", unknowns.JobWriteOff.as_view(), name="job-write-off"),
    path("unknowns/", unknowns.Unknowns.as_view(), name="unknown-list"),
    path("budgets/", budgets.BudgetList.as_view(), name="budget-list"),
    path("budgets/<uuid:budget_id>/", budgets.BudgetDetails.as_view(), name="budget-detail"),
    path("usage/", usage.Usage.as_view(), name="usage"),
    path("ledger/", usage.Ledger.as_view(), name="ledger"),
    path("ledger/csv/", usage.LedgerTable.as_view(), name="ledger-csv"),
    path("spending/", spending.Spending.as_view(), name="spending"),
    path("spending/stop/", spending.Stop.as_view(), name="spending-stop"),
    path("spending/resume/", spending.Resume.as_view(), name="spending-resume"),
    path("spending/corrections/", spending.Corrections.as_view(), name="spending-corrections"),
    path("health/", health.Health.as_view(), name="health"),
    # Where a site asks for a transaction a request, it would be opened before anybody could say that it fails.
    path("health/live/", non_atomic_requests(health.Live.as_view()), name="health-live"),
    path("health/ready/", non_atomic_requests(health.Ready.as_view()), name="health-ready"),
]
