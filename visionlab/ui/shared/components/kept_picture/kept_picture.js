// Keeps a picture under its digest, the first 16 of the bytes that came, for the components that show it: as long as its
// element is on the page, since it is not sent again, and the latest ones of those that were.

const MOST = 8; // pictures; a page shows two

export default function ({ data, parentElement }) {
  const digest = new TextDecoder().decode(data.subarray(0, 16));
  const pictures = (window.visionlabPictures ??= new Map());
  const keepers = (window.visionlabKeepers ??= new Map()); // {element: digest}
  const address = pictures.get(digest) ?? URL.createObjectURL(new Blob([data.subarray(16)]));
  pictures.delete(digest); // and in again, as the newest
  pictures.set(digest, address);
  for (const keeper of keepers.keys()) if (!keeper.isConnected) keepers.delete(keeper);
  keepers.set(parentElement, digest);
  const here = new Set(keepers.values());
  for (const [old, gone] of pictures) {
    if (pictures.size <= MOST) break;
    if (here.has(old)) continue;
    URL.revokeObjectURL(gone);
    pictures.delete(old);
  }
  window.dispatchEvent(new Event("visionlab-picture"));
}
