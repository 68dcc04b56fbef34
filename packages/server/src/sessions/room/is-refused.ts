import { CkmError } from '@ckm/foundation';

/** Whether what is looked at would be refused at present. @throws what storage cannot tell */
export async function isRefused(look: () => Promise<unknown>): Promise<boolean> {
  try {
    await look();
    return false;
  } catch (error) {
    if (error instanceof CkmError && error.errorClass !== 'StorageError') return true;
    throw error;
  }
}
