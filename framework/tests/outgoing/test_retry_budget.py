from framework.outgoing.retry_budget import RetryBudget


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def withdrawn(budget: RetryBudget, tries: int) -> int:
    return sum(budget.withdraw() for _ in range(tries))


def test_calls_pay_for_a_fifth_of_retries() -> None:
    budget = RetryBudget(floor=0, clock=Clock())
    for _ in range(52):
        budget.pay_in()
    assert withdrawn(budget, 52) == 10


def test_a_host_that_is_called_seldom_has_a_few_every_ten_seconds() -> None:
    clock = Clock()
    budget = RetryBudget(floor=3, clock=clock)
    assert withdrawn(budget, 10) == 3
    clock.now = 10
    assert withdrawn(budget, 10) == 3


def test_time_alone_saves_up_no_more() -> None:
    clock = Clock()
    budget = RetryBudget(floor=3, clock=clock)
    clock.now = 3600
    assert withdrawn(budget, 10) == 3


def test_a_storm_is_not_saved_up_for() -> None:
    budget = RetryBudget(most=20, clock=Clock())
    for _ in range(10_000):
        budget.pay_in()
    assert withdrawn(budget, 100) == 20
