package fmscore;

import java.lang.ref.Cleaner;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.LongConsumer;

/**
 * The address of a native object, freed once: when its owner is closed, or when the garbage
 * collector finds that nobody has the owner any more. Never between hold() and release().
 */
final class Handle implements Runnable {
  private static final Cleaner CLEANER = Cleaner.create();

  private final String what;
  private final LongConsumer free;
  private final Cleaner.Cleanable cleanable;
  private final ReentrantReadWriteLock uses = new ReentrantReadWriteLock();
  private long address; // guarded by uses; 0: closed

  /** {@code free} must not hold the owner, which would then never be found to be gone. */
  Handle(Object owner, String what, long address, LongConsumer free) {
    this.what = what;
    this.free = free;
    this.address = address;
    cleanable = CLEANER.register(owner, this);
  }

  /** The address, good until release(). IllegalStateException: closed. */
  long hold() {
    uses.readLock().lock();
    if (address != 0) return address;
    uses.readLock().unlock();
    throw closed();
  }

  void release() {
    uses.readLock().unlock();
  }

  /** The address without a lock, for an owner that keeps close() away by other means. */
  long address() {
    if (address == 0) throw closed();
    return address;
  }

  /** The address for the caller to free. IllegalStateException: closed. */
  long take() {
    long taken = clear();
    if (taken == 0) throw closed();
    return taken;
  }

  void close() {
    cleanable.clean();
  }

  /** Of the cleaner. */
  @Override
  public void run() {
    long gone = clear();
    if (gone != 0) free.accept(gone);
  }

  private long clear() {
    uses.writeLock().lock();
    try {
      long gone = address;
      address = 0;
      return gone;
    } finally {
      uses.writeLock().unlock();
    }
  }

  private IllegalStateException closed() {
    return new IllegalStateException("the " + what + " is closed");
  }
}
