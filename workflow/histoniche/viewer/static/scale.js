// The bar of scale: the longest of 1, 2 or 5 times a power of ten that fits.

/** Length in µm and in pixels, for µm a pixel and the most pixels that there are. */
export function barFor(umPerPixel, mostPixels) {
  const most = umPerPixel * mostPixels;
  const power = 10 ** Math.floor(Math.log10(most));
  const um = Math.max(...[1, 2, 5].map((step) => step * power).filter((one) => one <= most));
  return { um, pixels: um / umPerPixel };
}

/** A length in the unit that makes it short: "500 µm", "2 mm". */
export function inWords(um) {
  return um >= 1000 ? `${um / 1000} mm` : `${um < 1 ? um.toPrecision(1) : um} µm`;
}
