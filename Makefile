# Needs git, make and a python3 from 3.9 on: host/bootstrap.py brings uv, and uv brings Python, Node and the servers.
export SM_ENVIRONMENT ?= development

# A pyenv shim fails in a folder whose .python-version it has not; then the system's own will do.
PYTHON = $(shell for name in python3 /usr/bin/python3; do $$name -c '' 2>/dev/null && echo $$name && exit; done; echo python3)
UV = $(PYTHON) host/bootstrap.py
RUN = $(UV) run
NODE = $(RUN) python -m host.dev.node
# Each worker has a Redis database of its own, and Redis has sixteen.
PARALLEL = -n logical --maxprocesses=8
# What asks Postgres the way the application does. Not the migrations: they go past PgBouncer.
DATABASE_TESTS = modules $(addprefix framework/tests/,deadlines idempotency metrics $(addsuffix .py,$(addprefix test_, \
	authentication check_engine health listing lost_connections pool_shares retry subscriptions unit_of_work)))

.PHONY: help dev test check e2e faults pgbouncer bench dr-drill doctor migrate module client docs build clean
.SILENT:

help: ## This list
	awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: ## Run everything on this machine, at one address
	$(RUN) sm dev

test: ## Python and browser tests, on servers of their own
	$(RUN) pytest $(PARALLEL)
	$(NODE) npm test

check: ## Format, lint, types, boundaries, migrations, generated files, lock files
	$(RUN) python -m host.gates

e2e: build ## A browser through the main job, and the tutorial as it is written
	$(RUN) pytest -m e2e tests/e2e tests/docs

faults: build ## Kill what can be killed, and count what was lost; at full size: make faults long=1
	$(RUN) pytest -m faults tests/faults tests/deployment $(if $(long),--long) $(if $(figures),--figures)

pgbouncer: ## The tests of the database with PgBouncer in transaction mode before it
	SM_TEST_PGBOUNCER=1 $(RUN) pytest $(PARALLEL) $(DATABASE_TESTS)

bench: ## Measure against bare FastAPI and bare Celery; writes docs/reference/performance.md
	$(RUN) python -m benchmarks

dr-drill: ## Destroy a throw-away installation under load, restore it, and say what was lost
	$(RUN) sm dr-drill

doctor: ## Judge this installation
	$(RUN) sm doctor

migrate: ## Bring the database up to date
	$(RUN) sm migrate

module: ## Begin a module: make module name=notes
	$(RUN) sm module new $(name)

client: ## Generate the browser's API client from the routes
	$(RUN) sm openapi -o packages/api-client/openapi.json
	$(NODE) npm run generate

docs: ## Generate docs/reference from the code
	$(RUN) python -m host.reference

build: ## Build the browser application as production serves it
	$(NODE) npm run build

clean: ## Remove what is built and cached; data and packages stay
	rm -rf host/client_app/dist artifacts htmlcov .coverage .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -not -path './.venv/*' -not -path './node_modules/*' -prune -exec rm -rf {} +
