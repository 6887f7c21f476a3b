#include "encode/sides.h"

namespace fmtrain {
namespace {

side side_of(column_role role) {
  return role == column_role::user   ? side::user
         : role == column_role::item ? side::item
                                     : side::rest;
}

class side_finder {
 public:
  explicit side_finder(const schema& plan) : plan_(plan) {}

  side of_columns(const std::vector<size_t>& columns) const {
    return common(columns, [this](size_t column) { return of_column(column); });
  }
  side of_feature(size_t feature) const {
    const feature_plan& plan = plan_.features[feature];
    if (!plan.is_cross()) return of_column(plan.column);
    return common(plan.parts, [this](size_t part) { return of_feature(part); });
  }

 private:
  side of_column(size_t column) const { return side_of(plan_.columns[column].role); }

  template <class SideOf>
  static side common(const std::vector<size_t>& parts, const SideOf& of) {
    const side first = of(parts[0]);
    for (const size_t part : parts) {
      if (of(part) != first) return side::rest;
    }
    return first;
  }

  const schema& plan_;
};

void add_column(const schema& plan, size_t column, column_set* to) {
  to->columns.push_back(column);
  if (plan.columns[column].type == column_type::text) to->texts.push_back(column);
}

}  // namespace

sides sides_of(const schema& plan, const std::vector<bool>& crossed,
               const std::vector<bool>& reads) {
  sides made;
  const side_finder find(plan);
  const auto plan_of = [&made](side s) -> side_plan& { return made.plans[static_cast<size_t>(s)]; };
  std::vector<bool> is_ahead(plan.features.size());
  for (size_t i = 0; i < plan.features.size(); ++i) {
    const side own = find.of_feature(i);
    if (plan.features[i].emit || crossed[i]) plan_of(own).features.push_back(i);
    for (const size_t part : plan.features[i].parts) {
      // Of another side it comes before this cross in any case, which is of the rest then.
      if (part < i || find.of_feature(part) != own || is_ahead[part]) continue;
      is_ahead[part] = true;
      plan_of(own).ahead.push_back(part);
    }
  }
  for (size_t f = 0; f < plan.forests.size(); ++f) {
    plan_of(find.of_columns(plan.forests[f].columns)).forests.push_back(f);
  }
  for (size_t column = 0; column < plan.columns.size(); ++column) {
    if (!reads[column]) continue;
    add_column(plan, column, &made.all);
    const bool of_user = plan.columns[column].role == column_role::user;
    add_column(plan, column, of_user ? &made.user : &made.others);
  }
  return made;
}

}  // namespace fmtrain
