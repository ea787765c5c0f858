"""Measures the contrast of a page's text, as a script in the browser."""

CONTRAST = """() => {
  const parse = color => color.match(/[\\d.]+/g).map(Number)
  const luminance = ([r, g, b]) => [r, g, b].map(part => part / 255)
    .map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0)
  const over = ([r, g, b, opacity = 1], below) =>
    [r, g, b].map((part, index) => part * opacity + below[index] * (1 - opacity))
  const behind = element => {
    if (!element) return [255, 255, 255]
    const color = parse(getComputedStyle(element).backgroundColor)
    return color[3] === undefined ? color : over(color, behind(element.parentElement))
  }
  const words = document.createTreeWalker(document.querySelector("article"), NodeFilter.SHOW_TEXT)
  const faint = []
  while (words.nextNode()) {
    const element = words.currentNode.parentElement
    const skipped = ".headerlink, svg, script, style"
    if (!words.currentNode.data.trim() || element.closest(skipped)) continue
    if (!element.checkVisibility()) continue
    const color = parse(getComputedStyle(element).color)
    const [light, dark] = [color, behind(element)].map(luminance).sort((a, b) => b - a)
    if ((light + 0.05) / (dark + 0.05) < 4.5)
      faint.push(`${element.tagName}.${element.className}: ${getComputedStyle(element).color}`)
  }
  return faint
}"""
"""The elements whose text has a contrast below 4.5 : 1, which is WCAG's level AA."""
