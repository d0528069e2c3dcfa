// Keeps a picture under its digest, the first 16 of the bytes that came, for the components that show it.

const MOST = 8; // pictures; a page shows two

export default function ({ data }) {
  const digest = new TextDecoder().decode(data.subarray(0, 16));
  const pictures = (window.visionlabPictures ??= new Map());
  const address = pictures.get(digest) ?? URL.createObjectURL(new Blob([data.subarray(16)]));
  pictures.delete(digest); // and in again, as the newest
  pictures.set(digest, address);
  for (const [old, gone] of pictures) {
    if (pictures.size <= MOST) break;
    URL.revokeObjectURL(gone);
    pictures.delete(old);
  }
  window.dispatchEvent(new Event("visionlab-picture"));
}
