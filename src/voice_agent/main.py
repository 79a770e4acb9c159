"""The application for servers that import one: `uvicorn voice_agent.main:app`."""

from voice_agent.bootstrap import create_app
from voice_agent.config import load_settings

app = create_app(load_settings())
