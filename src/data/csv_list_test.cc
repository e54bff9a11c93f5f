#include "data/labelled_files.h"

#include "support/data_files.h"

namespace sooner {
namespace {

class CsvList : public ::testing::Test {
 protected:
  CsvList() {
    for (const char* name : {"images/a.png", "images/b.png", "images/c, d.png"}) folder_.write(name, "x");
  }
  LabelledFiles read(const std::string& text) { return read_csv_list(folder_.write("list.csv", text)); }
  TemporaryFolder folder_;
};

TEST_F(CsvList, ReadsPathsRelativeToItselfAndLabelsByName) {
  const LabelledFiles files = read("images/a.png,dog\n\"images/c, d.png\",cat\nimages/b.png,dog\n");
  EXPECT_EQ(files.class_names, (std::vector<std::string>{"cat", "dog"}));
  ASSERT_EQ(files.train.size(), 3U);
  EXPECT_EQ(files.train[0].label, 1);
  EXPECT_EQ(files.train[1].label, 0);
  EXPECT_EQ(files.train[1].name, "images/c, d.png");
  EXPECT_EQ(files.train[1].path, folder_.path() / "images/c, d.png");
  EXPECT_TRUE(files.test.empty());
}

TEST_F(CsvList, ReadsLabelsByNumberWhenAllAreNumbers) {
  const LabelledFiles files = read("images/a.png,1\nimages/b.png,0\n");
  EXPECT_EQ(files.class_names, (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(files.train[0].label, 1);
  EXPECT_EQ(read("images/a.png,1\nimages/b.png,x\n").class_names, (std::vector<std::string>{"1", "x"}));
}

TEST_F(CsvList, UnderstandsAHeaderInAnyOrderAndASplit) {
  const LabelledFiles files =
      read("Label,note,Split,filename\ncat,,train,images/a.png\ndog,x,train,images/b.png\ndog,,TEST,images/a.png\n");
  ASSERT_EQ(files.train.size(), 2U);
  ASSERT_EQ(files.test.size(), 1U);
  EXPECT_EQ(files.test[0].name, "images/a.png");
  EXPECT_EQ(files.test[0].label, 1);
}

TEST_F(CsvList, TakesAbsolutePaths) {
  const std::string path = (folder_.path() / "images/a.png").string();
  EXPECT_EQ(read(path + ",x\nimages/b.png,y\n").train[0].path, path);
}

TEST_F(CsvList, NamesTheLineThatIsWrong) {
  const std::string good = "images/a.png,cat\n";
  expect_error(Code::kNotFound, {"list.csv", "line 2", "gone.png"}, [&] { read(good + "images/gone.png,dog\n"); });
  expect_error(Code::kDataLoss, {"line 2", "1 fields"}, [&] { read(good + "images/b.png\n"); });
  expect_error(Code::kDataLoss, {"line 3", "3 fields"}, [&] { read(good + "\nimages/b.png,dog,x\n"); });
  expect_error(Code::kDataLoss, {"line 2", "empty label"}, [&] { read(good + "images/b.png,\n"); });
  expect_error(Code::kDataLoss, {"line 2", "empty path"}, [&] { read(good + ",dog\n"); });
  expect_error(Code::kDataLoss, {"line 2", "split 'dev'"}, [&] { read("path,label,split\nimages/a.png,cat,dev\n"); });
  expect_error(Code::kNotFound, {"line 2", "images"}, [&] { read(good + "images,dog\n"); });
}

TEST_F(CsvList, RefusesNumbersWithAGap) {
  expect_error(Code::kDataLoss, {"label 7", "no label 1"}, [&] { read("images/a.png,0\nimages/b.png,7\n"); });
  expect_error(Code::kDataLoss, {"label 1", "no label 0"}, [&] { read("images/a.png,1\nimages/b.png,2\n"); });
}

TEST_F(CsvList, RefusesListsThatTeachNothing) {
  expect_error(Code::kDataLoss, {"no line"}, [&] { read(""); });
  expect_error(Code::kDataLoss, {"0 different labels"}, [&] { read("path,label\n"); });
  expect_error(Code::kDataLoss, {"1 different labels"}, [&] { read("images/a.png,cat\n"); });
  expect_error(Code::kDataLoss, {"no training image of class 'dog'"},
               [&] { read("path,label,split\nimages/a.png,cat,train\nimages/b.png,dog,test\n"); });
  expect_error(Code::kNotFound, {"missing.csv"}, [&] { read_csv_list(folder_.path() / "missing.csv"); });
}

}  // namespace
}  // namespace sooner
