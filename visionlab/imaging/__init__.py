"""Pictures: decoding, kernels, convolution, classic filters, and the one place where numbers become colours.

    guards.py, pixels.py → image.py → convolution.py, by the quickest of engines.py, on all cores.py
    samples.py: pictures to begin with; kernels.py: weights to convolve with; analysis.py: what a kernel is
    filter_record.py (what a filter is) → operations/ → filters.py → pipeline.py; chains.py: ready-made ones
    render.py: numbers → colours
The Python code that the app shows of a chain is the very code of operations/ that ran; a chain saved as JSON is what
Pipeline.to_json() writes.
"""
