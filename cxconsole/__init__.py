"""One console for all outbound contact with customers: campaigns, messages, surveys and journeys."""

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
"""How every process of the console writes its log."""
