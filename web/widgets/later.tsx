import { type ComponentType, lazy, Suspense } from 'react';
import { text } from '../text.ts';
import styles from './later.module.css';

function Missing() {
  return <p className={styles.missing}>{text.layout.missing}</p>;
}

/** A part of the page that is fetched when it is first drawn: the first view does not wait for it. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  const Part = lazy(() =>
    load()
      // The server has gone, or has another version of the page by now.
      .catch((): ComponentType<P> => Missing)
      .then(part => ({ default: part })),
  );
  return properties => (
    <Suspense fallback={null}>
      <Part {...properties} />
    </Suspense>
  );
}
