package fmscore;

import java.nio.ByteBuffer;
import java.time.Instant;

/** What a model is. A copy: it stays when the model is closed. */
public final class ModelInfo {
  /** How weights are kept. */
  public enum Precision {
    FLOAT32,
    FLOAT16,
    INT8
  }

  /** What makes a prediction of a score. */
  public enum Link {
    SIGMOID,
    EXP,
    RAW
  }

  /** As exported. */
  public final String name;

  /** As exported. */
  public final String version;

  /** JSON; empty where the model takes ids alone. */
  public final String schema;

  public final Precision precision;
  public final Link link;

  /** For {@link Fmscore#hash}. */
  public final int hashSeed;

  /** Null: not known. */
  public final Instant trainedUntil;

  /** Rows of the table. */
  public final long features;

  /** k; 0 for a logistic regression. */
  public final long factors;

  public final long fileBytes;
  public final long goldenRows;

  /** The score that an item without a usable one gets. */
  public final double prior;

  /** Of the negatives; 1 where there was none. */
  public final double downSamplingRate;

  /** Largest |score - that of the trained model| on its golden rows. */
  public final double goldenShift;

  /** Differs for all models that this process opened. */
  public final long serial;

  /** Reads an fms_info while its model is held. */
  ModelInfo(ByteBuffer info) {
    name = Memory.string(info.getLong(Layout.Info.NAME));
    version = Memory.string(info.getLong(Layout.Info.VERSION));
    schema = Memory.string(info.getLong(Layout.Info.SCHEMA));
    precision = Precision.values()[info.getInt(Layout.Info.PRECISION)];
    link = Link.values()[info.getInt(Layout.Info.LINK)];
    hashSeed = info.getInt(Layout.Info.HASH_SEED);
    long until = info.getLong(Layout.Info.TRAINED_UNTIL);
    trainedUntil = until == 0 ? null : Instant.ofEpochSecond(until);
    features = info.getLong(Layout.Info.FEATURES);
    factors = info.getLong(Layout.Info.FACTORS);
    fileBytes = info.getLong(Layout.Info.FILE_BYTES);
    goldenRows = info.getLong(Layout.Info.GOLDEN_ROWS);
    prior = info.getDouble(Layout.Info.PRIOR);
    downSamplingRate = info.getDouble(Layout.Info.DOWN_SAMPLING_RATE);
    goldenShift = info.getDouble(Layout.Info.GOLDEN_SHIFT);
    serial = info.getLong(Layout.Info.SERIAL);
  }

  @Override
  public String toString() {
    return String.format(
        "%s %s: %d features, k = %d, %s", name, version, features, factors, precision);
  }
}
