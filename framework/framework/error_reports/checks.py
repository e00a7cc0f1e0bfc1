from collections.abc import Iterator

from framework.application import Application
from framework.codes import SM001
from framework.error_reports.reporter import reporter_named
from framework.findings import Finding


def check_reporter(application: Application) -> Iterator[Finding]:
    named = application.settings.error_reporter
    if named is None:
        return
    try:
        reporter_named(named)
    except ValueError as error:
        yield SM001.finding(
            f"SM_ERROR_REPORTER is invalid: {error}", hint="package.module:function, on the path of every process"
        )
