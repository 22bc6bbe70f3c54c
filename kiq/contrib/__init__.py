"""Integrations: each folder names one library, which its extra installs."""
