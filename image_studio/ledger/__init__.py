"""Holding, settling and releasing money: the only module that writes the ledger, its rollups and the budgets' counters.

Everything is a movement of two sums, what is held and what is spent, and each function takes many at once: one INSERT
of entries, one UPSERT of rollups, and one conditional UPDATE for each budget that is touched, in a fixed order (site,
brands, people), so that no two transactions wait for each other. Call them inside the transaction of the change that
they belong to, after the jobs' own rows were written and as late as possible: a site's budget is one row.
"""

from image_studio.ledger.bills import SITE, WORKER, Bill, BudgetSpent, Movement, Settlement
from image_studio.ledger.budgets import (
    Outlook,
    adds_up,
    adds_up_held,
    current,
    ends,
    limit,
    open_budget,
    outlook,
    outstanding,
    recount,
    recount_young,
    refusal,
    spent_in,
    starts,
    whose,
)
from image_studio.ledger.ceilings import at_most
from image_studio.ledger.entries import adjust, hold, release, settle, write
from image_studio.ledger.switches import charging, free, halted, judge_running, stopped

__all__ = [
    "SITE",
    "WORKER",
    "Bill",
    "BudgetSpent",
    "Movement",
    "Outlook",
    "Settlement",
    "adds_up",
    "adds_up_held",
    "adjust",
    "at_most",
    "charging",
    "current",
    "ends",
    "free",
    "halted",
    "hold",
    "judge_running",
    "limit",
    "open_budget",
    "outlook",
    "outstanding",
    "recount",
    "recount_young",
    "refusal",
    "release",
    "settle",
    "spent_in",
    "starts",
    "stopped",
    "whose",
    "write",
]
