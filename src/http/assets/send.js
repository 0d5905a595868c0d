// Tells that a file is too large before it is sent. Without this script the server says so.
for (const field of document.querySelectorAll("input[type=file][data-most]")) {
  field.addEventListener("change", () => {
    const [file] = field.files;
    const large = file !== undefined && file.size > Number(field.dataset.most);
    field.setCustomValidity(large ? field.dataset.tooLarge : "");
    if (large) field.reportValidity();
  });
}
