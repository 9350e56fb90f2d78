//! Names of classes in other libraries, for people who write them from habit.

use crate::engine::registry::same_name;

/// Classes of scikit-learn, and the model that each of them is here.
const SCIKIT_LEARN: &[(&str, &str)] = &[
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

/// Other classes, their library, and the model that is closest.
const CLOSEST: &[(&str, &str, &str)] = &[
    ("XGBClassifier", "XGBoost", "gradient_boosting"),
    ("XGBRegressor", "XGBoost", "gradient_boosting"),
    ("XGBRFClassifier", "XGBoost", "random_forest"),
    ("XGBRFRegressor", "XGBoost", "random_forest"),
    ("LGBMClassifier", "LightGBM", "gradient_boosting"),
    ("LGBMRegressor", "LightGBM", "gradient_boosting"),
    ("CatBoost", "CatBoost", "gradient_boosting"),
    ("CatBoostClassifier", "CatBoost", "gradient_boosting"),
    ("CatBoostRegressor", "CatBoost", "gradient_boosting"),
    ("GBTClassifier", "Spark", "gradient_boosting"),
    ("GBTRegressor", "Spark", "gradient_boosting"),
    ("AdaBoostClassifier", "scikit-learn", "gradient_boosting"),
    ("AdaBoostRegressor", "scikit-learn", "gradient_boosting"),
    ("BaggingClassifier", "scikit-learn", "random_forest"),
    ("BaggingRegressor", "scikit-learn", "random_forest"),
    ("BernoulliNB", "scikit-learn", "gaussian_nb"),
    ("MultinomialNB", "scikit-learn", "gaussian_nb"),
    ("ElasticNetCV", "scikit-learn", "elastic_net"),
    ("LassoCV", "scikit-learn", "lasso"),
    ("LogisticRegressionCV", "scikit-learn", "logistic_regression"),
    ("NuSVC", "scikit-learn", "svm"),
    ("NuSVR", "scikit-learn", "svm"),
    ("RidgeCV", "scikit-learn", "ridge"),
    ("RidgeClassifier", "scikit-learn", "logistic_regression"),
    ("SGDClassifier", "scikit-learn", "logistic_regression"),
    ("SGDRegressor", "scikit-learn", "ridge"),
];

/// Short names in wide use.
const SHORT: &[(&str, &str)] = &[
    ("xgboost", "gradient_boosting"),
    ("xgb", "gradient_boosting"),
    ("lightgbm", "gradient_boosting"),
    ("lgbm", "gradient_boosting"),
    ("gbm", "gradient_boosting"),
    ("gbdt", "gradient_boosting"),
    ("hist_gradient_boosting", "gradient_boosting"),
    ("knn", "k_neighbors"),
    ("nearest_neighbors", "k_neighbors"),
    ("naive_bayes", "gaussian_nb"),
    ("ols", "linear_regression"),
];

/// What was expected in place of a name that other libraries give a model, in any case of letters; `None` for every other name.
pub fn foreign_class(name: &str) -> Option<String> {
    let same = |known: &str| same_name(name, known);
    if let Some((class, model)) = SCIKIT_LEARN.iter().find(|(class, _)| same(class)) {
        return Some(format!("expected `{model}`, the name here of scikit-learn's {class}"));
    }
    if let Some((class, library, model)) = CLOSEST.iter().find(|(class, ..)| same(class)) {
        return Some(format!("expected `{model}`, which is closest here to {library}'s {class}"));
    }
    SHORT.iter().find(|(short, _)| same(short)).map(|(_, model)| format!("expected `{model}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::classical::ClassicalModel;

    #[test]
    fn every_model_has_a_class_and_every_class_a_model() {
        let models: Vec<&str> = SCIKIT_LEARN.iter().map(|(_, model)| *model).collect();
        for known in ClassicalModel::NAMES {
            assert!(models.contains(known), "{known}");
        }
        let others = CLOSEST.iter().map(|(.., model)| model).chain(SHORT.iter().map(|(_, model)| model));
        assert!(models.iter().chain(others).all(|model| ClassicalModel::NAMES.contains(model)));
    }

    #[test]
    fn names_are_known_in_any_case() {
        let starts = |name, expected: &str| {
            assert!(foreign_class(name).is_some_and(|text| text.starts_with(expected)), "{name}");
        };
        starts(
            "randomforestclassifier",
            "expected `random_forest`, the name here of scikit-learn's RandomForestClassifier",
        );
        starts("random_forest_classifier", "expected `random_forest`");
        starts("XGBClassifier", "expected `gradient_boosting`, which is closest here to XGBoost's XGBClassifier");
        starts("KNN", "expected `k_neighbors`");
        assert_eq!(foreign_class("random_forest"), None);
    }
}
