package fmscore;

/** Rows that do something else in the middle of a call: what another thread would at that time. */
public final class Interloper extends Rows {
  private final Runnable meanwhile;

  public Interloper(Runnable meanwhile) {
    super(Layout.Rows.FORM_IDS);
    this.meanwhile = meanwhile;
  }

  @Override
  public int rows() {
    return 0;
  }

  @Override
  void describe(int rows) {
    meanwhile.run();
  }
}
