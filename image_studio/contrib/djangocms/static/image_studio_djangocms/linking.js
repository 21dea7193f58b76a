// Select2, which Django's search fields are made of, gives neither its field nor the search in its list a name, and makes
// a text box of the value. Without this script the field works as everywhere in Django's admin.

const $ = window.django?.jQuery;

function describe(select) {
  const label = document.querySelector(`label[for="${select.id}"]`);
  const field = select.parentElement.querySelector("[role=combobox]");
  if (!label || !field) return;
  const results = `select2-${select.id}-results`;
  label.id ||= `${select.id}_label`;
  field.setAttribute("aria-labelledby", label.id);
  field.setAttribute("aria-controls", results);
  const value = field.querySelector("[role=textbox]");
  for (const name of ["role", "aria-readonly"]) value?.removeAttribute(name);
  $(select).on("select2:open", () => {
    const search = document.querySelector(`input[aria-controls="${results}"]`);
    search?.setAttribute("aria-labelledby", label.id);
  });
}

// Behind Django's own call, which makes the field.
$?.(() => document.querySelectorAll("select[name=link_page].admin-autocomplete").forEach(describe));
