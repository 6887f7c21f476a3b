import fmscore.Buffers;
import fmscore.Context;
import fmscore.Fmscore;
import fmscore.FmscoreException;
import fmscore.IdRows;
import fmscore.JsonRows;
import fmscore.Model;
import fmscore.Request;
import fmscore.Rows;
import fmscore.Scores;
import fmscore.Slot;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A host in Java: see README.md. */
final class ScoreRows {
  private ScoreRows() {}

  /** What a ROWS file says. */
  private static final class Input {
    final Rows user; // null: none
    final Rows items;

    Input(Rows user, Rows items) {
      this.user = user;
      this.items = items;
    }
  }

  /** Takes the next bytes off a file, as a buffer that begins aligned. */
  private static ByteBuffer take(ByteBuffer file, long bytes) {
    if (bytes < 0 || bytes > file.remaining()) throw new BufferUnderflowException();
    ByteBuffer taken = Buffers.bytes((int) bytes);
    taken.put(file.slice().limit((int) bytes)).flip();
    file.position(file.position() + (int) bytes);
    return taken;
  }

  private static LongBuffer longs(ByteBuffer file, long count) {
    return take(file, 8 * count).asLongBuffer();
  }

  private static FloatBuffer floats(ByteBuffer file, long count) {
    return take(file, 4 * count).asFloatBuffer();
  }

  /** The file is little endian, as is every machine that the library is built for. */
  private static Input readCsr(Path path) throws IOException {
    ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(path));
    LongBuffer counts = longs(file, 3);
    long userFeatures = counts.get(1);
    IdRows user = IdRows.one(longs(file, userFeatures), floats(file, userFeatures));
    LongBuffer rowPtr = longs(file, counts.get(0) + 1);
    LongBuffer ids = longs(file, counts.get(2));
    IdRows items = new IdRows(rowPtr, ids, floats(file, counts.get(2)));
    if (file.hasRemaining()) throw new BufferUnderflowException();
    return new Input(userFeatures == 0 ? null : user, items);
  }

  /** Lines are bytes: what is no UTF-8 is the library's to judge. */
  private static Input readJson(Path path) throws IOException {
    byte[] file = Files.readAllBytes(path);
    ByteBuffer text = Buffers.bytes(file.length);
    int lines = 1;
    for (byte one : file) if (one == '\n') ++lines;
    LongBuffer ends = Buffers.longs(lines + 1).put(0);
    for (byte one : file) {
      if (one == '\n') ends.put(text.position());
      else text.put(one);
    }
    if (text.position() > ends.get(ends.position() - 1)) ends.put(text.position());
    text.flip();
    ends.flip();
    if (ends.remaining() < 2) throw new BufferUnderflowException();
    JsonRows user = new JsonRows(text, ends.duplicate().limit(2));
    Rows items = new JsonRows(text, ends.duplicate().position(1));
    return new Input(ends.get(1) == 0 ? null : user, items);
  }

  private static Scores score(Path path, Input input) {
    try (Slot slot = new Slot();
        Model model = Model.open(path);
        Context context = new Context(slot)) {
      slot.publish(model);
      Scores scores = new Scores(input.items.rows());
      try (Request request = context.begin(input.user)) {
        request.score(input.items, Fmscore.NO_DEADLINE, scores);
      }
      return scores;
    }
  }

  private static void write(Path path, Scores scores) throws IOException {
    ByteBuffer values = ByteBuffer.allocate(4 * scores.values().remaining());
    values.order(ByteOrder.nativeOrder()).asFloatBuffer().put(scores.values());
    try (FileChannel file =
        FileChannel.open(
            path,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      file.write(values);
      file.write(scores.statuses());
    }
  }

  private static int run(String[] args) throws IOException {
    boolean json = args.length == 4 && args[1].equals("json");
    if (!json && !(args.length == 4 && args[1].equals("csr"))) return 2;
    try {
      Path rows = Path.of(args[2]);
      Input input = json ? readJson(rows) : readCsr(rows);
      write(Path.of(args[3]), score(Path.of(args[0]), input));
      return 0;
    } catch (FmscoreException e) {
      System.err.println(e.getMessage());
      return 1;
    } catch (BufferUnderflowException e) {
      System.err.println(args[2] + ": cut");
      return 2;
    }
  }

  public static void main(String[] args) throws IOException {
    System.exit(run(args));
  }
}
