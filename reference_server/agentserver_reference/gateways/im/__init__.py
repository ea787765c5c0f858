"""Messages between people and bots: by Telegram, Matrix and WeChat."""
