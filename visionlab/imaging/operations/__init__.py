"""What each classic filter does, by subject: plain functions, each with its entry in a table of the same module.

    smoothing.py, sharpening.py     an average of neighbours, and what it takes away
    edges.py, morphology.py         where brightness changes; the darkest and the brightest under a brush
    tone.py, black_and_white.py     each pixel by itself; one level or many
    frequencies.py                  sums of waves
    geometry.py                     where pixels are
    effects.py                      noise, and what looks drawn, printed or old
The functions take and give pictures, uint8 RGB (H, W, 3), and leave what they are given as it is. They know cv2, NumPy
and SciPy only, because Pipeline.to_python() hands their very lines, and those of the helpers that they call, to the
user: no two of them may share a name. Borders are mirrored (OpenCV's BORDER_REFLECT_101) where nothing else is said.
"""
