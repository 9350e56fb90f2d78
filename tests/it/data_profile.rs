//! Summaries and profiles of datasets.

use crate::support::{
    client::problem,
    get,
    tables::{Tables, column},
};
use serde_json::{Value, json};

#[tokio::test]
async fn number_columns_have_quantiles_and_a_histogram() {
    let tables = Tables::start().await;
    let dataset = tables.csv("iris", include_str!("../../examples/data/iris.csv")).await;
    let length = column(&dataset, "sepal_length");
    // numpy.quantile(sepal_length, [0.05, 0.25, 0.5, 0.75, 0.95])
    let expected = json!({"0.05": 4.6, "0.25": 5.1, "0.5": 5.8, "0.75": 6.4, "0.95": 7.255});
    for (share, value) in expected.as_object().unwrap() {
        let received = length["quantiles"][share].as_f64().unwrap();
        assert!((received - value.as_f64().unwrap()).abs() < 1e-9, "{share}: {received}");
    }
    let counts = length["histogram"]["counts"].as_array().unwrap();
    let edges = length["histogram"]["edges"].as_array().unwrap();
    assert_eq!(counts.iter().map(|count| count.as_u64().unwrap()).sum::<u64>(), 150);
    assert_eq!((edges.len(), &edges[0], &edges[20]), (21, &json!(4.3), &json!(7.9)));
    assert!(length.get("sampled").is_none() && column(&dataset, "species").get("quantiles").is_none());
}

#[tokio::test]
async fn a_profile_says_what_a_table_says_of_its_target() {
    let tables = Tables::start().await;
    tables.csv("iris", include_str!("../../examples/data/iris.csv")).await;
    let url = format!("{}/v1/datasets/iris/profile", tables.server.url());
    let profile: Value = get(format!("{url}?target=species")).await.unwrap().json().await.unwrap();
    assert_eq!((&profile["rows"], &profile["duplicate_rows"]), (&json!(150), &json!(1)), "{profile:#}");
    let classes = profile["target"]["classes"].as_array().unwrap();
    assert!(classes.len() == 3 && classes.iter().all(|class| class["count"] == 50), "{profile:#}");
    let petal = column(&profile, "petal_length");
    // the root of SSB / SST of petal_length by species: 0.9413717 ** 0.5
    assert_eq!(petal["association"]["measure"], "correlation_ratio");
    assert!((petal["association"]["value"].as_f64().unwrap() - 0.970_243).abs() < 1e-4, "{petal:#}");
    let alone: Value = get(&url).await.unwrap().json().await.unwrap();
    assert!(alone.get("target").is_none() && alone["columns"].as_array().unwrap().len() == 5, "{alone:#}");
    let refused = problem(get(format!("{url}?target=specie")).await.unwrap(), 422).await;
    assert!(refused["errors"][0]["detail"].as_str().unwrap().contains("did you mean \"species\""), "{refused:#}");
}
