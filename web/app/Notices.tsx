import { TriangleAlert, X } from 'lucide-react';
import { useStore } from 'zustand';
import { dismiss, notices } from '../stores/notices.ts';
import { text } from '../text.ts';
import styles from './Messages.module.css';

/** What could not be done. Everything else goes on. */
export function Notices() {
  const list = useStore(notices, state => state.list);
  return list.map(notice => (
    <div key={notice.id} className={styles.message} role="alert">
      <TriangleAlert size={17} className={styles.icon} aria-hidden="true" />
      <p className={styles.body}>
        {notice.file !== null && <b>{notice.file}: </b>}
        {text.said(notice.message)}
      </p>
      <button
        type="button"
        className={styles.close}
        aria-label={text.notices.dismiss}
        title={text.notices.dismiss}
        onClick={() => dismiss(notice.id)}
      >
        <X size={16} />
      </button>
    </div>
  ));
}
