"""Django: connections, jobs of apps, transactions, the language.

``INSTALLED_APPS`` names this package; a worker starts with ``-r kiq.contrib.django.worker``.
"""
