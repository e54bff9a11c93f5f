#include "measure/why_unseen.h"

#include "core/error.h"

namespace sooner {

Unseen why_unseen(const Provenance& provenance, std::string_view data_set, std::string_view data_hash, bool on_word) {
  const bool told = !provenance.data_set.empty() || !provenance.data_hash.empty();
  const bool same = data_hash.empty() || provenance.data_hash.empty() ? data_set == provenance.data_set
                                                                      : data_hash == provenance.data_hash;
  if (told && !same) return Unseen::kElsewhere;
  if (told && !provenance.trained_elsewhere) return Unseen::kRecorded;
  if (on_word) return Unseen::kUserWord;
  fail(Code::kFailedPrecondition,
       "[promise] this network was trained elsewhere, and may have learnt the images of '{}' that a promise would rest "
       "on; add --unseen if you know that it has not, or calibrate on other data with --data and --other-data",
       data_set);
}

}  // namespace sooner
