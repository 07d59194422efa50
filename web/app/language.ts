import { notify } from '../stores/notices.ts';
import { settings } from '../stores/settings.ts';
import { LANGUAGE_TAGS, LANGUAGES, type Language, language, speak, text } from '../text.ts';

function isLanguage(name: string | null): name is Language {
  return LANGUAGES.some(known => known === name);
}

/** The first language of the browser's that the page has. */
function preferred(): Language {
  for (const tag of navigator.languages) {
    const name = tag.toLowerCase().split('-', 1)[0];
    if (isLanguage(name)) return name;
  }
  return 'en';
}

/** ?lang= before what was chosen, before what the browser asks for. */
function wanted(): Language {
  const asked = new URLSearchParams(location.search).get('lang');
  return isLanguage(asked) ? asked : (settings.getState().language ?? preferred());
}

/** Has the page speak the language that is wanted, and keeps the document's in step. */
export async function startLanguage(): Promise<void> {
  language.subscribe(({ now }) => {
    document.documentElement.lang = LANGUAGE_TAGS[now];
  });
  const first = wanted();
  if (first !== 'en') await tryToSpeak(first);
}

/** Changes the language, and remembers it. */
export async function chooseLanguage(to: Language): Promise<void> {
  if (!(await tryToSpeak(to))) return;
  settings.setState({ language: to });
  // What was chosen here holds from now on, also when the page is loaded again.
  const address = new URL(location.href);
  address.searchParams.delete('lang');
  history.replaceState(history.state, '', address);
}

async function tryToSpeak(to: Language): Promise<boolean> {
  try {
    await speak(to);
    return true;
  } catch {
    notify(text.notices.language);
    return false;
  }
}
