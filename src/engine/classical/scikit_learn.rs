//! Names of classes in scikit-learn, for people who write them from habit.

/// Its classes, and the model that each of them is here.
const CLASSES: &[(&str, &str)] = &[
    ("DecisionTreeClassifier", "decision_tree"),
    ("DecisionTreeRegressor", "decision_tree"),
    ("DummyClassifier", "dummy"),
    ("DummyRegressor", "dummy"),
    ("ElasticNet", "elastic_net"),
    ("ExtraTreesClassifier", "extra_trees"),
    ("ExtraTreesRegressor", "extra_trees"),
    ("GaussianNB", "gaussian_nb"),
    ("GradientBoostingClassifier", "gradient_boosting"),
    ("GradientBoostingRegressor", "gradient_boosting"),
    ("HistGradientBoostingClassifier", "gradient_boosting"),
    ("HistGradientBoostingRegressor", "gradient_boosting"),
    ("KNeighborsClassifier", "k_neighbors"),
    ("KNeighborsRegressor", "k_neighbors"),
    ("Lasso", "lasso"),
    ("LinearRegression", "linear_regression"),
    ("LinearSVC", "linear_svm"),
    ("LinearSVR", "linear_svm"),
    ("LogisticRegression", "logistic_regression"),
    ("RandomForestClassifier", "random_forest"),
    ("RandomForestRegressor", "random_forest"),
    ("Ridge", "ridge"),
    ("SVC", "svm"),
    ("SVR", "svm"),
];

/// The model that a class of scikit-learn is, in any case of letters.
pub fn model_of_class(class: &str) -> Option<&'static str> {
    CLASSES.iter().find(|(known, _)| known.eq_ignore_ascii_case(class)).map(|(_, model)| *model)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::classical::ClassicalModel;

    #[test]
    fn every_model_has_a_class_and_every_class_a_model() {
        let models: Vec<&str> = CLASSES.iter().map(|(_, model)| *model).collect();
        for known in ClassicalModel::NAMES {
            assert!(models.contains(known), "{known}");
        }
        assert!(models.iter().all(|model| ClassicalModel::NAMES.contains(model)));
        assert_eq!(model_of_class("randomforestclassifier"), Some("random_forest"));
        assert_eq!(model_of_class("random_forest"), None);
    }
}
