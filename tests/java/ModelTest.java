import fmscore.Buffers;
import fmscore.Context;
import fmscore.Fmscore;
import fmscore.FmscoreException;
import fmscore.Model;
import fmscore.ModelInfo;
import fmscore.Request;
import fmscore.Slot;
import fmscore.SlotStats;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;

/** The library, models and slots. */
final class ModelTest {
  public static void main(String[] args) throws Exception {
    Check.main(ModelTest.class);
  }

  static void theHashIsTheTrainers() {
    // mmh3.hash64(name, seed, signed=False)[0]
    Check.equal(0x229f2dea5b123948L, Fmscore.hash("age=7", 0));
    Check.equal(0xd5a3a04ea8d23bd0L, Fmscore.hash("Größe=é", 7));
    Check.equal(0L, Fmscore.hash("", 0));
    byte[] bytes = "xage=7y".getBytes(StandardCharsets.UTF_8);
    Check.equal(Fmscore.hash("age=7", 0), Fmscore.hash(bytes, 1, 5, 0));
    Check.equal(Fmscore.hash("xage=7y", 3), Fmscore.hash(bytes, 3));
    // Short names are copied, long ones are not: the same on both sides of the border.
    for (int size = 1020; size < 1030; ++size) {
      byte[] all = ("0" + "a".repeat(size)).getBytes(StandardCharsets.UTF_8);
      Check.equal(Fmscore.hash("a".repeat(size), 5), Fmscore.hash(all, 1, size, 5));
    }
    Check.fails(IndexOutOfBoundsException.class, () -> Fmscore.hash(bytes, 3, 5, 0));
    Check.fails(IndexOutOfBoundsException.class, () -> Fmscore.hash(bytes, -1, 2, 0));
  }

  static void theLibrarySaysWhatItIs() {
    Check.equal(1, Fmscore.abiVersion() >>> 16);
    Check.that(
        Fmscore.buildInfo().matches("fmscore [0-9.]+ (baseline|avx2|avx512)"), Fmscore.buildInfo());
    long before = Fmscore.nowNanos();
    Check.that(before > 0 && Fmscore.nowNanos() >= before, "the clock goes back");
  }

  static void aModelSaysWhatItIs() {
    ModelInfo info;
    try (Model model = Model.open(Check.data("a.fms"))) {
      info = model.info();
      try (Model again = Model.open(Check.data("a.fms"), new Model.Options().copy())) {
        Check.that(again.info().serial != info.serial, "serials differ");
        Check.equal(info.features, again.info().features);
      }
    }
    Check.equal("a", info.name);
    Check.equal("2026-11", info.version);
    Check.equal("", info.schema);
    Check.equal(ModelInfo.Precision.FLOAT32, info.precision);
    Check.equal(ModelInfo.Link.SIGMOID, info.link);
    Check.equal(0, info.hashSeed);
    Check.equal(Instant.ofEpochSecond(1_700_000_000), info.trainedUntil);
    Check.equal(8L, info.factors);
    Check.that(info.features > 100 && info.features <= 1000, info.toString());
    Check.equal(Check.data("a.fms").toFile().length(), info.fileBytes);
    Check.that(info.goldenRows > 0 && info.goldenShift == 0, info.toString());
    Check.equal(1.0, info.downSamplingRate);
    Check.equal("a 2026-11: " + info.features + " features, k = 8, FLOAT32", info.toString());
    try (Model raw = Model.open(Check.data("raw.fms"))) {
      Check.that(raw.info().schema.contains("\"city\""), raw.info().schema);
    }
  }

  static void aFileThatIsNoModelSaysWhy() throws Exception {
    Path folder = Files.createTempDirectory("fmscore-test");
    Path there = folder.resolve("ümläut.fms");
    byte[] good = Files.readAllBytes(Check.data("a.fms"));
    Check.failsWith(
        FmscoreException.EIO,
        folder + "/none.fms: cannot read: No such file or directory",
        () -> Model.open(folder.resolve("none.fms")));
    Files.write(there, "not a model".getBytes(StandardCharsets.UTF_8));
    FmscoreException short_ = Check.fails(FmscoreException.class, () -> Model.open(there));
    Check.equal(FmscoreException.EFORMAT, short_.code());
    Check.that(short_.getMessage().startsWith(there + ": "), short_.getMessage());
    good[good.length / 2] ^= 1;
    Files.write(there, good);
    Check.failsWith(
        FmscoreException.EFORMAT,
        there + ": damaged serving file: the checksum of its weights does not match",
        () -> Model.open(there));
    Files.delete(there);
    Files.delete(folder);
  }

  static void theMd5IsChecked() throws Exception {
    Path path = Check.data("a.fms");
    String right = Files.readString(Check.data("a.md5")).trim();
    Model.open(path, new Model.Options().md5(right)).close();
    String wrong = (right.charAt(0) == '0' ? '1' : '0') + right.substring(1);
    FmscoreException other =
        Check.fails(
            FmscoreException.class, () -> Model.open(path, new Model.Options().md5(wrong)));
    Check.equal(FmscoreException.ECHECKSUM, other.code());
    Check.that(other.getMessage().startsWith(path + ": "), other.getMessage());
    FmscoreException none =
        Check.fails(
            FmscoreException.class, () -> Model.open(path, new Model.Options().md5("12ab")));
    Check.equal(FmscoreException.ECHECKSUM, none.code());
    Check.failsArgument(
        "md5: has a NUL character", () -> Model.open(path, new Model.Options().md5("\0")));
  }

  static void whatIsNotVerifiedIsNotPublished() {
    try (Slot slot = new Slot();
        Model model = Model.open(Check.data("a.fms"), new Model.Options().unverified())) {
      FmscoreException early = Check.fails(FmscoreException.class, () -> slot.publish(model));
      Check.equal(FmscoreException.ESTATE, early.code());
      Check.failsWith(
          FmscoreException.ENOMODEL, "no model was published in the slot yet", slot::model);
      model.verify();
      slot.publish(model);
      try (Model now = slot.model()) {
        Check.equal(model.info().serial, now.info().serial);
      }
      Check.equal(1L, slot.stats().published);
    }
  }

  static void bytesInMemoryAreAFileToo() throws Exception {
    byte[] file = Files.readAllBytes(Check.data("a.fms"));
    ByteBuffer padded = Buffers.bytes(file.length + 3).position(3).put(file).position(3);
    try (Model model = Model.open(padded, new Model.Options())) {
      Check.equal("a", model.info().name);
    }
    Check.equal(3, padded.position());
    Check.failsArgument(
        "file: the buffer is not direct; use fmscore.Buffers",
        () -> Model.open(ByteBuffer.wrap(file), new Model.Options()));
    FmscoreException cut =
        Check.fails(
            FmscoreException.class, () -> Model.open(padded.limit(200), new Model.Options()));
    Check.equal(FmscoreException.EFORMAT, cut.code());
  }

  static void whatIsClosedSaysSo() {
    Slot slot = Check.slotOf("a.fms", 0);
    Model model = slot.model();
    Model current = slot.model();
    model.close();
    model.close();
    Check.failsClosed("model", model::info);
    Check.failsClosed("model", model::verify);
    Check.failsClosed("model", () -> slot.publish(model));
    slot.close();
    slot.close();
    Check.failsClosed("slot", slot::stats);
    Check.failsClosed("slot", slot::reclaim);
    Check.failsClosed("slot", slot::model);
    Check.failsClosed("slot", () -> slot.publish(current));
    Check.equal("a", current.info().name);
    current.close();
  }

  static void aReplacedModelWaitsForItsRequest() {
    try (Slot slot = Check.slotOf("a.fms", 0);
        Context context = new Context(slot)) {
      Request request = context.begin(null);
      Check.publish(slot, "b.fms");
      SlotStats stats = slot.stats();
      Check.equal(2L, stats.published);
      Check.equal(1L, stats.retired);
      Check.equal(1L, slot.reclaim());
      Check.equal("a", request.info().name);
      request.close();
      Check.equal(0L, slot.reclaim());
      Check.equal(0L, slot.stats().retired);
    }
    Check.failsArgument("itemCacheBytes: is negative", () -> new Slot(-1));
  }
}
