// A form that is sent with a passkey: data-passkey says whether one is made or shown, data-asked what
// the site asks. The browser talks to the device; the server judges what it signed.
"use strict";
(() => {
  const form = document.querySelector("form[data-passkey]");
  const problem = form.querySelector("[data-passkey-problem]");
  const field = form.elements[form.dataset.passkeyField ?? "credential"];

  function say(text) {
    problem.textContent = text;
    problem.hidden = !text;
  }

  async function ask() {
    const asked = JSON.parse(form.dataset.asked).publicKey;
    if (form.dataset.passkey === "show") {
      return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked) });
    }
    return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked) });
  }

  // Where a code can be sent instead, a button of its own asks for the passkey.
  const ownButton = form.querySelector("[data-passkey-send]");

  form.addEventListener("submit", async (event) => {
    if (ownButton && event.submitter !== ownButton) return;
    event.preventDefault();
    say("");
    if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
      return say("This browser is too old for passkeys.");
    }
    try {
      field.value = JSON.stringify((await ask()).toJSON());
    } catch (error) {
      if (error.name === "InvalidStateError") return say("This device has a passkey of yours already.");
      return say("No passkey was given. Try again, or use a code.");
    }
    HTMLFormElement.prototype.submit.call(form);
  });
})();
