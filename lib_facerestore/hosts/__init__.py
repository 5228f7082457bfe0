"""The WebUI that runs us, reached by probing. The only room that tells hosts apart; knows nothing of pages."""
