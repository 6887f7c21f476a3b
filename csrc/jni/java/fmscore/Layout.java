package fmscore;

/**
 * Where the members of the C ABI's structs stand, in bytes; {@code csrc/jni/fmscore_jni.cc} does
 * not compile if they stand elsewhere. Each begins with its size, four bytes.
 */
final class Layout {
  private Layout() {}

  /** fms_open_options. */
  static final class OpenOptions {
    static final int BYTES = 16;
    static final int FLAGS = 4;
    static final int MD5 = 8;

    static final int COPY = 1;
    static final int UNVERIFIED = 2;
  }

  /** fms_info. */
  static final class Info {
    static final int BYTES = 112;
    static final int PRECISION = 4;
    static final int LINK = 8;
    static final int HASH_SEED = 12;
    static final int NAME = 16;
    static final int VERSION = 24;
    static final int SCHEMA = 32;
    static final int TRAINED_UNTIL = 40;
    static final int FEATURES = 48;
    static final int FACTORS = 56;
    static final int FILE_BYTES = 64;
    static final int GOLDEN_ROWS = 72;
    static final int PRIOR = 80;
    static final int DOWN_SAMPLING_RATE = 88;
    static final int GOLDEN_SHIFT = 96;
    static final int SERIAL = 104;
  }

  /** fms_slot_options. */
  static final class SlotOptions {
    static final int BYTES = 16;
    static final int ITEM_CACHE_BYTES = 8;
  }

  /** fms_stats: from 8 on one count behind the other. */
  static final class Stats {
    static final int BYTES = 96;
    static final int COUNTS = 8;
  }

  /** fms_column. */
  static final class Column {
    static final int BYTES = 56;
    static final int TYPE = 4;
    static final int NAME = 8;
    static final int VALUES = 16;
    static final int OFFSETS = 24;
    static final int ITEM_OFFSETS = 32;
    static final int WEIGHTS = 40;
    static final int MISSING = 48;
  }

  /** fms_rows. */
  static final class Rows {
    static final int BYTES = 104;
    static final int FORM = 4;
    static final int ROWS = 8;
    static final int ROW_PTR = 16;
    static final int IDS = 24;
    static final int X = 32;
    static final int EXTRA_PTR = 40;
    static final int EXTRA_IDS = 48;
    static final int EXTRA_X = 56;
    static final int COLUMNS = 64;
    static final int COLUMN_COUNT = 72;
    static final int TEXT = 80;
    static final int TEXT_PTR = 88;
    static final int ITEM_IDS = 96;

    static final int FORM_IDS = 0;
    static final int FORM_COLUMNS = 1;
    static final int FORM_JSON = 2;
  }

  /** fms_context_options. */
  static final class ContextOptions {
    static final int BYTES = 16;
    static final int OUTPUT = 4;
    static final int RECORD = 8;
  }

  /** fms_term, which has no size. */
  static final class Term {
    static final int BYTES = 32;
    static final int ID = 0;
    static final int X = 8;
    static final int KNOWN = 12;
    static final int LINEAR = 16;
    static final int PAIRWISE = 24;
  }

  /** fms_snapshots_options. */
  static final class SnapshotsOptions {
    static final int BYTES = 24;
    static final int MAX_BYTES = 8;
    static final int MAX_AGE = 16;
  }

  /** fms_snapshots_stats: from 8 on one count behind the other. */
  static final class SnapshotsStats {
    static final int BYTES = 56;
    static final int COUNTS = 8;
  }
}
