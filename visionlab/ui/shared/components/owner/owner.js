// Keeps the owner in a cookie. One that another page of this browser has set meanwhile stays; the server hears of it.

const YEAR = 365 * 24 * 60 * 60; // seconds

export default function ({ data: { cookie, owner }, setStateValue }) {
  const kept = document.cookie.match(new RegExp(`(?:^|; )${cookie}=([\\w-]{32})(?:;|$)`))?.[1];
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${cookie}=${kept ?? owner}; SameSite=Strict; path=/; max-age=${YEAR}${secure}`;
  if (kept && kept !== owner) setStateValue("kept", kept);
}
