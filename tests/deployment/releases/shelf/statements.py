"""Of the first release; ``tests/deployment/shelf.py`` writes those of the others in its place."""

READ = "SELECT title FROM shelf.book ORDER BY id"
WRITE = "INSERT INTO shelf.book (title) VALUES (:name)"
