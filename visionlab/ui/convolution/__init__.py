"""The Convolution page: kernel_choice.py and response_settings.py ask, settings.py is what was asked, caches.py answers
with channels.py, kernel_facts.py tells what is folded away; things_to_try.py; state.py is what the session remembers.
What follows the pointer is the component shared/components/convolution_lab.
"""
