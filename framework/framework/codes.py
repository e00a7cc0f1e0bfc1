"""The framework's own check codes. A module declares its own in its ``checks.py``."""

from framework.findings import Code, Level

SM001 = Code(
    "SM001",
    "A setting is missing or invalid",
    Level.ERROR,
    "Settings are read from the environment, `SM_…_FILE` and `/run/secrets`, `.env` and (while `sm dev` runs) `.seamark/run.env`.",
)
SM002 = Code(
    "SM002",
    "A module could not be loaded",
    Level.ERROR,
    "The entry point of a module raised while it was imported, or it does not hold a `Module` value.",
)
SM003 = Code(
    "SM003",
    "A required module is not installed",
    Level.ERROR,
    "`SM_MODULES_ENABLED` or another module's `requires` names a module that no installed distribution provides.",
)
SM004 = Code("SM004", "Modules require each other in a circle", Level.ERROR, "`requires` must form an order.")
SM005 = Code(
    "SM005",
    "A module's name cannot be used",
    Level.ERROR,
    "A module's name is its folder, package, URL prefix, Postgres schema, Alembic branch and settings prefix, so it must be a lower-case identifier that none of them reserves.",
)
SM006 = Code(
    "SM006",
    "Two owners claim the same thing",
    Level.ERROR,
    "Routes, pages, permissions, tasks, schedules, health checks, rate limits, commands and settings each have one owner.",
)
SM007 = Code(
    "SM007",
    "A contribution does not fit its module",
    Level.ERROR,
    "Routes live under `/api/<module>`, pages under `/<module>`; permissions, tasks, schedules, health checks and rate limits are named `<module>.…`, settings `SM_<MODULE>_…`. "
    "What they refer to is the module's, too: navigation leads to one of its pages, a schedule is of one of its tasks, a route asks for one of its "
    "permissions and is of a rate class that one of its rate limits counts; navigation may ask for those of modules that it requires.",
)
SM008 = Code(
    "SM008",
    "A route declares no policy",
    Level.ERROR,
    "Every route says who may call it with `@policy(public | optional | signed_in | require(…))` (ASVS 8.2.1).",
)
SM009 = Code(
    "SM009",
    "An import crosses a module boundary",
    Level.ERROR,
    "Imports go host → modules → framework; a module imports another only through its `contract` and only when it lists it in `requires`.",
)
SM010 = Code(
    "SM010",
    "The database and the code do not match",
    Level.ERROR,
    "The web process never migrates. *Behind*: revisions that this code needs are not applied; run `sm migrate`. "
    "*Unknown*: the database is ahead of this code and outside the compatibility window that the migrator recorded.",
)
SM011 = Code(
    "SM011",
    "A stream asks for the request's database session",
    Level.ERROR,
    "A request's session is closed before the first byte leaves, so a stream would reopen it silently and leak its connection. "
    "Streams open short units of work themselves: `async with database.unit_of_work(read_only=True)`.",
)
SM012 = Code(
    "SM012",
    "Serving under a path prefix is not supported",
    Level.ERROR,
    "`--root-path` would move pages, cookies and built assets to places that nothing else knows. Give Seamark a host name of its own.",
)
SM013 = Code(
    "SM013",
    "A signing key is weak",
    Level.ERROR,
    "Whoever guesses `SM_SECRET_KEY` or one of its fallbacks signs in as anybody. 32 random characters or more, none from a document.",
)
SM014 = Code(
    "SM014",
    "A service is not reachable",
    Level.ERROR,
    "Postgres or Redis did not answer at the configured address.",
)
SM015 = Code(
    "SM015",
    "Nobody can administer this installation",
    Level.WARNING,
    "No active account holds the administrator role. `sm create-admin` makes one.",
)
SM016 = Code(
    "SM016",
    "The browser application is not built",
    Level.ERROR,
    "`host/client_app/dist` has no manifest. `npm ci && npm run build` makes it.",
)
SM017 = Code(
    "SM017",
    "A silenced code says no reason, or does not exist",
    Level.ERROR,
    "`SM_SILENCED_CHECKS` is `CODE=reason; CODE=reason`. A reason is what makes a silence reviewable.",
)
SM018 = Code(
    "SM018",
    "The tables and the migrations differ",
    Level.ERROR,
    "Autogenerate finds a difference. `sm migrate new <module> -m …` writes the missing revision.",
)
SM019 = Code(
    "SM019",
    "A check could not run",
    Level.ERROR,
    "The check itself raised; the log says what.",
)
SM020 = Code(
    "SM020",
    "A module contributes something that is not a route",
    Level.ERROR,
    "Routers hold HTTP and WebSocket routes. Mounted applications and routers within routers are searched one by one and know no policies.",
)
SM021 = Code(
    "SM021",
    "Cookies travel without TLS",
    Level.ERROR,
    "`SM_PUBLIC_URL` is the address that people use; in production it begins with `https://`, even where a proxy ends TLS.",
)
SM022 = Code(
    "SM022",
    "Anyone may choose the client address",
    Level.ERROR,
    "`FORWARDED_ALLOW_IPS` names the proxies whose `X-Forwarded-For` is believed. `*` believes everybody.",
)
SM023 = Code(
    "SM023",
    "Pages load unbuilt browser code",
    Level.ERROR,
    "`SM_VITE_URL` is what `sm dev` sets; in production the host serves `host/client_app/dist`.",
)
SM024 = Code(
    "SM024",
    "A revision is not what it says it is",
    Level.ERROR,
    "Revisions are numbered within their module, follow one another, and say whether the release before them still runs once they are applied: "
    "`expand` only adds, `contract` takes away or tightens.",
)
SM040 = Code(
    "SM040",
    "Modules are not told of the events that they subscribe to",
    Level.WARNING,
    "Who is told of which event is a table that `sm migrate` writes from the enabled modules and every process reads. "
    "It differs from them when modules came, went or changed since; a subscriber that is missing there never hears of what happens meanwhile.",
)
SM041 = Code(
    "SM041",
    "A rate limit is set wrongly",
    Level.ERROR,
    "`SM_RATE_LIMITS` is `name=limit/seconds; name=off`. The names are those in the modules' manifests, and "
    "`seamark.principal` and `seamark.address` for all routes.",
)
SM043 = Code(
    "SM043",
    "Calls to other services are set up wrong",
    Level.ERROR,
    "`SM_OUTGOING_ALLOWED` lists hosts, addresses and networks, each with or without a port; `SM_OUTGOING_CA_FILE` is a PEM file. "
    "A network that takes in where clouds hand out credentials (169.254.169.254 and the like) is a warning: whoever may "
    "choose a URL could read them (OWASP ASVS 1.3.6).",
)
SM044 = Code(
    "SM044",
    "A route runs in a thread",
    Level.ERROR,
    "A thread cannot be cancelled: past its deadline the client is told 504, and the function goes on and commits. `async def` for routes and "
    "their dependencies; what blocks, such as hashing, belongs into `asyncio.to_thread` inside of them.",
)
SM045 = Code(
    "SM045",
    "A timeout does not end before the one around it",
    Level.ERROR,
    "What lies inside has to give up first, or the outer one gives up without knowing what became of it: docs/reference/timeouts.md lists them all.",
)
SM046 = Code(
    "SM046",
    "A database connection has no time limits",
    Level.ERROR,
    "`statement_timeout`, `lock_timeout` and `idle_in_transaction_session_timeout` are set on every connection; PgBouncer does not pass them on, "
    "so there the role has them: `ALTER ROLE … SET …`.",
)
SM048 = Code(
    "SM048",
    "An unsafe route may take effect twice",
    Level.ERROR,
    "The browser application, and nginx, repeat an unsafe request whose answer was lost, with the same `Idempotency-Key`. The key is kept in the "
    "transaction of the request's `Session`, for the person who is signed in. A route without either declares `@policy(…, idempotent=True)`, and is: "
    "asked twice, it does no harm.",
)
