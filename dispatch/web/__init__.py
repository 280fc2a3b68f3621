"""Pages, API and WebSocket entrances: aiohttp, one route table, Jinja2 templates, translations."""
