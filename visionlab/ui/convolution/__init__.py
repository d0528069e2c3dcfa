"""The Convolution page: kernel_editor.py → response_settings.py → caches.py answers, kernel_facts.py explains; state.py
is what the session remembers."""
