// The picker offers what was made for the channel that is chosen beside it, and generates for that. Which slug a channel
// has stands at its options; without this script the form says on sending what does not fit.

const channels = document.querySelector("select[name=channel]");
const slug = () => channels?.selectedOptions[0]?.dataset.slug ?? "";

function narrow() {
  for (const picker of document.querySelectorAll(".studio-picker")) picker.dataset.channel = slug();
  const link = document.querySelector(".studio-pick a[data-do=generate]");
  if (!link) return;
  const url = new URL(link.href);
  if (slug()) url.searchParams.set("channel", slug());
  else url.searchParams.delete("channel");
  link.href = url.href;
}

channels?.addEventListener("change", narrow);
