// The ink, black or white, that is read on a colour [r, g, b]: WCAG 2.2's contrast is 4.5 or more with one of them.
function inkOn(colour) {
  const [r, g, b] = colour.map((level) => ((level /= 255) <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
}

