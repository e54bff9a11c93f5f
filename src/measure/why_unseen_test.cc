#include "measure/why_unseen.h"

#include <gtest/gtest.h>

#include "support/message_of.h"

namespace sooner {
namespace {

Provenance trained_on(const char* data_set, const char* data_hash, bool elsewhere) {
  Provenance provenance;
  provenance.data_set = data_set;
  provenance.data_hash = data_hash;
  provenance.trained_elsewhere = elsewhere;
  return provenance;
}

std::string refusal(const Provenance& provenance, const char* data_set, const char* data_hash) {
  return message_of(Code::kFailedPrecondition,
                    [&] { static_cast<void>(why_unseen(provenance, data_set, data_hash, false)); });
}

TEST(WhyUnseen, IsItsRecordWhereTheTrainingKeptTheImagesBack) {
  const Provenance own = trained_on("mnist", "01", false);
  EXPECT_EQ(why_unseen(own, "mnist", "01", false), Unseen::kRecorded);
  EXPECT_EQ(why_unseen(own, "mnist", "", true), Unseen::kRecorded);
}

TEST(WhyUnseen, IsTheUsersWordWhereTheTrainingIsNotOnRecord) {
  for (const Provenance& foreign :
       {trained_on("", "", true), trained_on("mnist", "01", true), trained_on("", "", false)}) {
    EXPECT_NE(refusal(foreign, "mnist", "01").find("may have learnt the images of 'mnist'"), std::string::npos);
    EXPECT_EQ(why_unseen(foreign, "mnist", "01", true), Unseen::kUserWord);
  }
}

TEST(WhyUnseen, IsThatTheImagesAreOfAnotherSetThanTheOneOnRecord) {
  EXPECT_EQ(why_unseen(trained_on("mnist", "01", true), "letters", "02", false), Unseen::kElsewhere);
  EXPECT_EQ(why_unseen(trained_on("mnist", "01", false), "letters", "", false), Unseen::kElsewhere);
  // The same images by another name are the same images.
  EXPECT_NE(refusal(trained_on("mnist", "01", true), "letters", "01").find("--unseen"), std::string::npos);
}

}  // namespace
}  // namespace sooner
