package fmscore;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Why an item scores as it does: the bias and all terms add up to the score before the link. */
public final class Explanation {
  /** What a feature adds. */
  public static final class Term {
    public final long id;
    public final float x;

    /** Whether the model has a row of it. */
    public final boolean known;

    /** w x. */
    public final double linear;

    /** Half of its part of the pairs. */
    public final double pairwise;

    private Term(ByteBuffer terms, int at) {
      id = terms.getLong(at + Layout.Term.ID);
      x = terms.getFloat(at + Layout.Term.X);
      known = terms.getInt(at + Layout.Term.KNOWN) != 0;
      linear = terms.getDouble(at + Layout.Term.LINEAR);
      pairwise = terms.getDouble(at + Layout.Term.PAIRWISE);
    }
  }

  public final double bias;
  public final double score;

  /** The user's features first. */
  public final List<Term> terms;

  Explanation(ByteBuffer terms, int count, double bias, double score) {
    List<Term> all = new ArrayList<>(count);
    for (int i = 0; i < count; ++i) all.add(new Term(terms, i * Layout.Term.BYTES));
    this.terms = Collections.unmodifiableList(all);
    this.bias = bias;
    this.score = score;
  }
}
