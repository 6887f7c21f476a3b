package fmscore;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.function.LongUnaryOperator;

/**
 * An input cache of {@code fmtrain fit} that {@link Snapshots} are written to. A sample's key is
 * "REQUEST_ID ITEM_ID". The file appears under its name, whole, when it is finished; closed before
 * that, it is discarded. Any thread may use it.
 */
public final class SampleFile implements AutoCloseable {
  private final Handle handle;

  /**
   * @param hashSeed the model's, {@link ModelInfo#hashSeed}
   * @throws FmscoreException EIO
   */
  public SampleFile(Path path, int hashSeed) {
    ByteBuffer name = Memory.text("path", path.toString());
    long address = Memory.with(name, (given) -> Native.sampleFileCreate(given, hashSeed));
    handle = new Handle(this, "sample file", address, Native::sampleFileDiscard);
  }

  /** For {@link Snapshots}: what takes its samples to the address. */
  long use(LongUnaryOperator taker) {
    long address = handle.hold();
    try {
      return taker.applyAsLong(address);
    } finally {
      handle.release();
    }
  }

  /**
   * The file appears under its name.
   *
   * @throws FmscoreException EIO
   * @throws IllegalStateException it is closed
   */
  public void finish() {
    Native.sampleFileClose(handle.take());
  }

  /** Discards what was not finished; once. */
  @Override
  public void close() {
    handle.close();
  }
}
